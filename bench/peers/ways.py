# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The same nginx, run by nobody, reached on port 80 in five ways: requests a second and latency.

Each way has a network namespace of its own, joined to the client's by a veth pair: nothing of one (connection
tracking, say) is in another's way. The rounds take turns.
"""
import http.client
import os
import shutil
import sys
import time

import lab

ROUNDS = 1 if lab.quick else 20
CONNECTIONS = 16
SCRIPT = f'{lab.tree}/bench/peers/wrk.lua'
NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
BARE = [*NOBODY, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs']
NGINX = '''
daemon off;
{user}
worker_processes 1;
pid {dir}/pid;
error_log {dir}/error;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	keepalive_requests 100000000;
	client_body_temp_path {dir};
	proxy_temp_path {dir};
	fastcgi_temp_path {dir};
	uwsgi_temp_path {dir};
	scgi_temp_path {dir};
	{http}
}}
'''
PAGE = 'server {{ listen {}; location / {{ return 200 "hello\\n"; }} }}'
PROXY = '''
	upstream app { server 127.0.0.1:8080; keepalive 32; }
	server {
		listen 80;
		location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}'''


def network(number):
    """A namespace behind 10.80.NUMBER.2, held by a process; what a command there begins with."""
    holder = lab.start(lab.cgroup('held'), ['unshare', '--net', 'sleep', 'infinity'])
    while os.stat(f'/proc/{holder.pid}/ns/net').st_ino == os.stat('/proc/self/ns/net').st_ino:
        time.sleep(0.01)
    lab.call('ip', 'link', 'add', f'way{number}', 'type', 'veth', 'peer', 'name', 'eth', 'netns', str(holder.pid))
    lab.call('ip', 'address', 'add', f'10.80.{number}.1/30', 'dev', f'way{number}')
    lab.call('ip', 'link', 'set', f'way{number}', 'up')
    there = ['nsenter', f'--net=/proc/{holder.pid}/ns/net']
    lab.call(*there, 'ip', 'address', 'add', f'10.80.{number}.2/30', 'dev', 'eth')
    for device in 'lo', 'eth':
        lab.call(*there, 'ip', 'link', 'set', device, 'up')
    assert int(lab.output(*there, 'cat', '/proc/sys/net/ipv4/ip_unprivileged_port_start')) == 1024
    return there


def nginx(name, there, http, before=BARE, binary='nginx', user=''):
    directory = f'{lab.work}/{name}'
    os.mkdir(directory)
    os.chmod(directory, 0o777)
    with open(f'{directory}/conf', 'w') as file:
        file.write(NGINX.format(dir=directory, http=http, user=user))
    own = ['-e', f'{directory}/error', '-c', f'{directory}/conf']
    return lab.start(lab.cgroup(name), [*there, *before, binary, *own])


def is_bare(process, capability=0):
    status = dict(line.split(':\t', 1) for line in open(f'/proc/{process.pid}/status') if ':\t' in line)
    assert status['Uid'].split() == 4 * ['65534'], status['Uid']
    assert int(status['CapEff'], 16) == capability and int(status['NoNewPrivs']) == (not capability), status


def gate(there):
    lab.call(lab.bindgate, 'attach', lab.cgroup('gate'), '80/tcp')
    return [nginx('gate', there, PAGE.format(80))]


def setcap(there):
    # where nobody may run it, and file capabilities count
    binary = f'{lab.work}/nginx'
    shutil.copy(shutil.which('nginx'), binary)
    lab.call('setcap', 'cap_net_bind_service=ep', binary)
    return [nginx('setcap', there, PAGE.format(80), [*NOBODY, '--bounding-set=-all,+net_bind_service'], binary)]


def redirect(there):
    lab.call(*there, *'iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-port 8080'.split())
    return [nginx('redirect', there, PAGE.format(8080))]


def proxy(there):
    return [nginx('behind-proxy', there, PAGE.format('127.0.0.1:8080')),
            nginx('proxy', there, PROXY, [], user='user nobody nogroup;')]


def socat(there):
    relay = 'socat TCP-LISTEN:80,fork,reuseaddr,backlog=511 TCP:127.0.0.1:8080'.split()
    return [nginx('behind-socat', there, PAGE.format('127.0.0.1:8080')), lab.start(lab.cgroup('socat'), [*there, *relay])]


WAYS = {'bindgate': gate, 'setcap': setcap, 'iptables REDIRECT': redirect, 'nginx as proxy': proxy, 'socat': socat}


def answers(address):
    for _ in range(500):
        try:
            connection = http.client.HTTPConnection(address, timeout=5)
            connection.request('GET', '/')
            if connection.getresponse().read() == b'hello\n':  # a proxy may be there before what is behind it
                return True
        except OSError:
            pass
        time.sleep(0.01)
    return False


def load(address, headers):
    """Requests a second, p99 in us, errors."""
    text = lab.output('wrk', '-t1', f'-c{CONNECTIONS}', '-d1s', *headers, '-s', SCRIPT, f'http://{address}/')
    result = next(line for line in text.splitlines() if line.startswith('result'))
    requests, took, p99, errors = map(int, result.split()[1:])
    return 1e6 * requests / took, p99, errors


try:
    lab.call('ip', 'link', 'set', 'lo', 'up')
    modes = {'keep-alive': [], 'one a request': ['-H', 'Connection: close']}
    cases = {}
    for number, (way, begin) in enumerate(WAYS.items()):
        address = f'10.80.{number}.2'
        servers = begin(network(number))
        if not answers(address):
            sys.exit(f'{way}: no answer on port 80')
        is_bare(servers[0], 1 << 10 if begin is setcap else 0)
        for mode, headers in modes.items():
            cases[mode, way] = lambda address=address, headers=headers: load(address, headers)
    results = lab.interleaved('requests', ROUNDS, dict(sorted(cases.items())))
    rows = []
    for mode in modes:
        floor = [result[0] for result in results[mode, 'bindgate']]
        for way in WAYS:
            rate, p99, errors = zip(*results[mode, way])
            rows.append((way, mode, *map(lab.spread, (rate, lab.ratio(rate, floor), p99)), sum(errors)))
    columns = ['way', 'connections', 'requests/s*', 'of bindgate*', 'p99 us*', 'errors']
    lab.save('ways', ROUNDS, columns, rows)
finally:
    lab.end()

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The container runtime interface, as much of it as the tests drive: gRPC by hand over HTTP/2 and a unix socket.

cri.py SOCKET run JSON      makes a sandbox; prints its id      {"name", "uid", "namespace", "labels", "annotations", "parent"}
cri.py SOCKET start JSON    starts a container in it            {"sandbox", "name", "image", "command", "user", "log", + run's}
cri.py SOCKET remove ID     ends a sandbox and what is in it
cri.py SOCKET list
"""
import json
import socket
import struct
import sys

import h2.connection
import h2.events


def varint(number):
    out = b''
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if value is None:
        return b''
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode('utf-8', 'surrogateescape')
    return varint(number << 3 | 2) + varint(len(value)) + value


def pairs(number, mapping):
    return b''.join(field(number, field(1, key) + field(2, value)) for key, value in (mapping or {}).items())


def call(path, method, message, service='runtime.v1'):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)
        connection = h2.connection.H2Connection()
        connection.initiate_connection()
        connection.send_headers(1, [(':method', 'POST'), (':scheme', 'http'), (':authority', 'localhost'),
                                    (':path', f'/{service}.RuntimeService/{method}'),
                                    ('content-type', 'application/grpc'), ('te', 'trailers')])
        connection.send_data(1, b'\0' + struct.pack('>I', len(message)) + message, end_stream=True)
        s.sendall(connection.data_to_send())
        body, status, said = b'', None, ''
        while status is None:
            data = s.recv(65536)
            if not data:
                raise RuntimeError(f'{method}: the connection was closed')
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    body += event.data
                    connection.acknowledge_received_data(event.flow_controlled_length, 1)
                if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                    headers = {bytes(k, 'latin1') if isinstance(k, str) else k: v for k, v in event.headers}
                    found = headers.get(b'grpc-status')
                    if found is not None:
                        status = int(found)
                        said = headers.get(b'grpc-message', '')
            s.sendall(connection.data_to_send())
        if status:
            raise RuntimeError(f'{method}: grpc-status {status} {said}')
        return body[5:]


def first_string(message):
    length, at = message[1], 2
    return message[at:at + length].decode()


def sandbox_config(pod):
    metadata = field(1, pod['name']) + field(2, pod['uid']) + field(3, pod['namespace'])
    host = field(1, 2) + field(2, 1)  # network: the node's; pid: the container's own
    linux = field(1, pod['parent']) + field(2, field(1, host) + field(6, pod.get('privileged', False)))
    return (field(1, metadata) + field(3, pod.get('logs')) + pairs(6, pod.get('labels')) +
            pairs(7, pod.get('annotations')) + field(8, linux))


def start(path, pod):
    security = (field(3, field(1, 2) + field(2, 1)) + field(5, field(1, pod['user'])) + field(11, True) +
                field(1, field(2, 'ALL')))  # no_new_privs, and no capability
    config = (field(1, field(1, pod['container'])) + field(2, field(1, pod['image'])) +
              b''.join(field(3, word) for word in pod['command']) + field(11, pod['container'] + '.log') +
              field(15, field(2, security)))
    made = call(path, 'CreateContainer', field(1, pod['sandbox']) + field(2, config) + field(3, sandbox_config(pod)))
    call(path, 'StartContainer', field(1, first_string(made)))
    return first_string(made)


def main():
    path, what = sys.argv[1:3]
    if what == 'run':
        print(first_string(call(path, 'RunPodSandbox', field(1, sandbox_config(json.loads(sys.argv[3]))))))
    elif what == 'start':
        print(start(path, json.loads(sys.argv[3])))
    elif what == 'remove':
        call(path, 'StopPodSandbox', field(1, sys.argv[3]))
        call(path, 'RemovePodSandbox', field(1, sys.argv[3]))
    else:
        sys.stdout.buffer.write(call(path, 'ListPodSandbox', b''))


if __name__ == '__main__':
    main()

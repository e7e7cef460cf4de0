# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A container runtime that does what a real one won't do on demand: fake_cri.py SOCKET FOLDER

FOLDER/pods     a line a sandbox: NAME UID NAMESPACE STATE [KEY=VALUE annotation]; read at each call
FOLDER/mode     how it answers: fine, old (v1alpha2 only), half (dies in the middle), garbage
                (frames that are none), bad (a message that is none), compressed, endless, silent, error
FOLDER/calls    grows by a line a call
"""
import os
import socket
import struct
import sys
import threading
import time

import h2.config
import h2.connection
import h2.events

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cri import field, pairs  # noqa: E402

path, folder = sys.argv[1:3]


def read(name):
    try:
        with open(f'{folder}/{name}', encoding='utf-8', errors='surrogateescape') as file:
            return file.read()
    except FileNotFoundError:
        return ''


cache = (None, b'')


def sandboxes():
    global cache
    text = read('pods')
    if cache[0] != text:
        cache = (text, encode(text))
    return cache[1]


def encode(text):
    items = []
    for line in text.splitlines():
        name, uid, namespace, state, *annotations = line.split(' ', 4)
        notes = dict(note.split('=', 1) for note in annotations)
        items.append(field(1, field(1, 'sandbox-' + uid) + field(2, field(1, name) + field(2, uid) + field(3, namespace)) +
                           field(3, int(state)) + pairs(6, notes)))
    return b''.join(items)


def frame(message, compressed=0):
    return bytes([compressed]) + struct.pack('>I', len(message)) + message


def send(connection, s, stream, data):
    while data:
        room = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size)
        if room == 0:
            for event in connection.receive_data(s.recv(65536)):
                pass
            s.sendall(connection.data_to_send())
            continue
        connection.send_data(stream, data[:room])
        data = data[room:]
        s.sendall(connection.data_to_send())


def finish(connection, s, stream, status=0):
    connection.send_headers(stream, [('grpc-status', str(status))], end_stream=True)
    s.sendall(connection.data_to_send())


def answer(connection, s, stream, method):
    mode = read('mode').strip()
    with open(f'{folder}/calls', 'a') as file:
        file.write(method + '\n')
    unknown = ('v1alpha2' in method) != (mode == 'old')
    if mode == 'silent':
        time.sleep(60)
    if mode == 'garbage':
        s.sendall(os.urandom(4096))
        raise ConnectionError
    connection.send_headers(stream, [(':status', '200'), ('content-type', 'application/grpc')])
    if unknown:
        finish(connection, s, stream, 12)
        return
    message = sandboxes()
    if mode == 'error':
        finish(connection, s, stream, 14)
    elif mode == 'half':
        send(connection, s, stream, frame(message)[:len(message) // 2])
        raise ConnectionError
    elif mode == 'bad':
        send(connection, s, stream, frame(b'\x0a\xff\xff\xff\xff\x7f' + os.urandom(64)))
        finish(connection, s, stream)
    elif mode == 'compressed':
        send(connection, s, stream, frame(message, 1))
        finish(connection, s, stream)
    elif mode == 'endless':
        while True:
            send(connection, s, stream, bytes(65536))
    else:
        send(connection, s, stream, frame(message))
        finish(connection, s, stream)


def serve(s):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    s.sendall(connection.data_to_send())
    methods = {}
    try:
        while True:
            data = s.recv(65536)
            if not data:
                return
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    headers = {str(k if isinstance(k, str) else k.decode()): v for k, v in event.headers}
                    value = headers[':path']
                    methods[event.stream_id] = value if isinstance(value, str) else value.decode()
                if isinstance(event, h2.events.StreamEnded):
                    answer(connection, s, event.stream_id, methods[event.stream_id])
            s.sendall(connection.data_to_send())
    except Exception:
        pass
    finally:
        s.close()


with socket.socket(socket.AF_UNIX) as listener:
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()

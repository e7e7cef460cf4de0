# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Asks a prometheus each query of a dashboard and of alert rules: queries.py URL DASHBOARD RULES. Each must have an answer, in
time; the comparison that an alert ends with is cut off, as it is to have none."""
import json
import re
import sys
import time
import urllib.parse
import urllib.request

url, dashboard, rules = sys.argv[1:4]
queries = [target['expr'] for panel in json.load(open(dashboard))['panels'] for target in panel['targets']]
queries = [query.replace('$instance', '.*') for query in queries]
queries += [re.sub(r' (==|>) \d+$', '', line.split('expr: ')[1].strip()) for line in open(rules) if 'expr: ' in line]
assert len(queries) > 20, queries


def ask(query):
    try:
        address = url + '/api/v1/query?query=' + urllib.parse.quote(query)
        answer = json.load(urllib.request.urlopen(address, timeout=10))
    except urllib.error.HTTPError as error:
        sys.exit(f'{query}: {error.read().decode()}')
    except OSError:
        return []  # not up yet
    return answer['data']['result']


for query in queries:
    for _ in range(300):
        if ask(query):
            break
        time.sleep(0.2)
    else:
        sys.exit(f'no answer: {query}')
print(len(queries), 'queries have answers')

# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes the tables of a page from those in a folder: bench/peers/tables.py FOLDER PAGE

What stands between the page's lines "<!-- NAME -->" and "<!-- / -->" becomes FOLDER/NAME.tsv, a median and its
quartiles in one cell.
"""
import csv
import re
import sys

folder, page = sys.argv[1:]


def table(name):
    with open(f'{folder}/{name}.tsv') as file:
        how = file.readline().lstrip('# ').strip()
        head, *rows = csv.reader(file, delimiter='\t')
    columns = [index for index, title in enumerate(head) if not re.search(r' q[13]$', title)]

    def cells(row):
        for index in columns:
            spread = head[index + 1:index + 2] == [head[index] + ' q1']
            yield f'{row[index]} ({row[index + 1]} to {row[index + 2]})' if spread else row[index]
    lines = [[head[index] for index in columns], ['---'] + ['---:'] * (len(columns) - 1), *map(cells, rows)]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines) + f'\n{how}\n'


with open(page) as file:
    text = file.read()
text = re.sub(r'(<!-- (\w+) -->\n).*?(<!-- / -->)', lambda found: f'{found[1]}\n{table(found[2])}\n{found[3]}', text, flags=re.S)
with open(page, 'w') as file:
    file.write(text)

"A static picture of a simple mermaid flowchart: boxes in layers, arrows between them."
import html, re

NODE = re.compile(r'\s*([A-Za-z_]\w*)\s*(?:(\[\[|\[\(|\(\[|\(\(|\{\{|[\[({>])(.*?)(?:\]\]|\)\]|\]\)|\)\)|\}\}|[\])}]))?\s*(?::::\w+)?')
EDGE = re.compile(r'\s*(?:--\s*([^->|]+?)\s*-->|(<?(?:-->|---|-\.->|-\.-|==>|===))\s*(?:\|([^|]*)\|)?)')

def parse(text):
    "(direction, {name: label}, [(from, to, label, dashed)])"
    head, *lines = [o for o in re.split(r'[\n;]', text) if o.strip() and not o.strip().startswith('%%')]
    m = re.match(r'\s*(?:flowchart|graph)\s*(LR|RL|TD|TB|BT)?', head)
    if not m: raise ValueError(f'only mermaid flowcharts can be drawn, not {head.strip()!r}')
    nodes, edges = {}, []
    for line in lines:
        if re.match(r'\s*(subgraph|end|classDef|class|style|linkStyle|direction|click)\b', line): continue
        at, last, pending = 0, [], None
        while at < len(line.rstrip()):
            group = []
            while True:
                n = NODE.match(line, at)
                if not n: raise ValueError(f'not understood in a flowchart: {line.strip()!r}')
                if n[3] is not None or n[1] not in nodes: nodes[n[1]] = (n[3] or n[1]).strip().strip('"')
                group.append(n[1])
                at = n.end()
                if line[at:at+1] == '&': at += 1
                else: break
            if pending is not None: edges += [(a, b, pending[0], pending[1]) for a in last for b in group]
            last, e = group, EDGE.match(line, at)
            if not e: break
            pending = (e[1] or e[3] or '').strip().strip('"'), '.' in (e[2] or '')
            at = e.end()
    return m[1] or 'TD', nodes, edges

def to_svg(text):
    "SVG of the flowchart `text`."
    way, nodes, edges = parse(text)
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:  # longest path from a source; loops stop after as many rounds as there are boxes
        for a, b, *_ in edges:
            if depth[b] < depth[a] + 1 <= len(nodes): depth[b] = depth[a] + 1
    ranks = {d: i for i, d in enumerate(sorted(set(depth.values())))}
    layers = [[n for n in nodes if ranks[depth[n]] == i] for i in range(len(ranks))]
    if way in ('RL', 'BT'): layers.reverse()
    lines = {n: re.split(r'<br\s*/?>|\\n', t) for n, t in nodes.items()}
    size = {n: (max(map(len, ls))*7.6 + 26, 18*len(ls) + 18) for n, ls in lines.items()}
    flat, pos, along = way in ('LR', 'RL'), {}, 10
    across = max(sum(size[n][flat] + 22 for n in o) for o in layers)
    for layer in layers:
        thick, at = max(size[n][not flat] for n in layer), 10 + (across - sum(size[n][flat] + 22 for n in layer))/2 + 11
        for n in layer:
            a, b = along + thick/2, at + size[n][flat]/2
            pos[n] = (a, b) if flat else (b, a)
            at += size[n][flat] + 22
        wide = max((len(t) for f, _, t, _ in edges if f in layer), default=0)
        along += thick + 40 + (wide*7 if flat else 0)
    w, h = (along - 30, across + 20) if flat else (across + 20, along - 30)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" '
           'font-family="system-ui,sans-serif" font-size="14"><defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
           'markerHeight="8" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#667"/></marker></defs>']
    for a, b, label, dashed in edges:
        (xa, ya), (xb, yb) = pos[a], pos[b]
        if flat: s = 1 if xb >= xa else -1; p, q = (xa + s*size[a][0]/2, ya), (xb - s*size[b][0]/2, yb)
        else: s = 1 if yb >= ya else -1; p, q = (xa, ya + s*size[a][1]/2), (xb, yb - s*size[b][1]/2)
        m = ((p[0]+q[0])/2, (p[1]+q[1])/2)
        c = f'{m[0]:.0f} {p[1]:.0f} {m[0]:.0f} {q[1]:.0f}' if flat else f'{p[0]:.0f} {m[1]:.0f} {q[0]:.0f} {m[1]:.0f}'
        out.append(f'<path d="M{p[0]:.0f} {p[1]:.0f}C{c} {q[0]:.0f} {q[1]:.0f}" fill="none" stroke="#667" stroke-width="1.5" '
                   f'{"stroke-dasharray=%s5 4%s " % (chr(34), chr(34)) if dashed else ""}marker-end="url(#a)"/>')
        if label: out.append(f'<text x="{m[0]:.0f}" y="{m[1]-6:.0f}" text-anchor="middle" fill="#556" font-size="12">{html.escape(label)}</text>')
    for n, (x, y) in pos.items():
        bw, bh = size[n]
        out.append(f'<rect x="{x-bw/2:.0f}" y="{y-bh/2:.0f}" width="{bw:.0f}" height="{bh:.0f}" rx="7" fill="#eef3fb" stroke="#4a6fa5"/>')
        for i, t in enumerate(lines[n]):
            t = html.escape(re.sub(r'\*\*|<[^>]+>', '', t))
            out.append(f'<text x="{x:.0f}" y="{y + 5 + 18*(i - (len(lines[n])-1)/2):.0f}" text-anchor="middle" fill="#123">{t}</text>')
    return ''.join(out) + '</svg>'

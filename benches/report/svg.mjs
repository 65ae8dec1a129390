// The least of SVG that charts need. A chart brings its own background, so it is legible on any page, and is
// dark where the reader's system is.

const STYLE = `
    .page { fill: #ffffff; }
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-size: 16px; font-weight: 600; }
    .small { font-size: 11px; }
    .grid { stroke: #d1d9e0; }
    @media (prefers-color-scheme: dark) {
        .page { fill: #0d1117; }
        text { fill: #e6edf3; }
        .grid { stroke: #30363d; }
    }
`;

/** An element; children are text that is SVG already. */
export function element(name, attributes = {}, ...children) {
    const start = Object.entries(attributes).reduce(
        (tag, [key, value]) => `${ tag } ${ key }="${ escaped(format(value)) }"`, `<${ name }`,
    );
    return children.length === 0 ? `${ start }/>` : `${ start }>${ children.flat().join('') }</${ name }>`;
}

export function text(x, y, content, attributes = {}) {
    return element('text', { x, y, ...attributes }, escaped(content));
}

export function line(x1, y1, x2, y2, attributes = {}) {
    return element('line', { x1, y1, x2, y2, ...attributes });
}

/** A whole file. `description` is for those who do not see it. */
export function svgFile(width, height, title, description, children) {
    const head = [
        element('title', {}, escaped(title)),
        element('desc', {}, escaped(description)),
        element('style', {}, STYLE),
        element('rect', { class: 'page', width, height, rx: 6 }),
        text(20, 30, title, { class: 'title' }),
    ];
    const root = {
        xmlns: 'http://www.w3.org/2000/svg',
        viewBox: `0 0 ${ width } ${ height }`,
        width,
        height,
        role: 'img',
    };
    return `${ element('svg', root, '\n', [...head, ...children].join('\n'), '\n') }\n`;
}

/** Powers of ten that enclose positive values. */
export function decades(values) {
    const first = Math.floor(Math.log10(Math.min(...values)));
    const last = Math.max(Math.ceil(Math.log10(Math.max(...values))), first + 1);
    return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** From values to places on a logarithmic axis. */
export function logScale(ticks, from, to) {
    const [low, high] = [Math.log10(ticks[0]), Math.log10(ticks.at(-1))];
    return (value) => from + (Math.log10(value) - low) / (high - low) * (to - from);
}

function format(value) {
    return typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;
}

function escaped(value) {
    return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

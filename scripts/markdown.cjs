'use strict';

// What GitHub makes of Markdown, as far as we need it.

/** Gives headings their anchors: a second one of the same text gets `-1`, as GitHub does it. */
class Anchors {
    #times = new Map();

    /** @param {string} heading as Markdown */
    of(heading) {
        const slug = heading
            .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
            .toLowerCase()
            .replace(/[^\p{L}\p{M}\p{N}_\- ]/gu, '')
            .replaceAll(' ', '-');
        const times = this.#times.get(slug) ?? 0;
        this.#times.set(slug, times + 1);
        return times === 0 ? slug : `${ slug }-${ times }`;
    }
}

/** The text without code: neither blocks, indented ones too, nor spans. */
function withoutCode(markdown) {
    return markdown.replace(/^(`{3,})[^]*?^\1$/gm, '').replace(/^ {4}.*$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchors of a page. */
function anchorsOf(markdown) {
    const anchors = new Anchors();
    const prose = markdown.replace(/^(`{3,})[^]*?^\1$/gm, '');
    return new Set([...prose.matchAll(/^#+ +(.*?) *$/gm)].map(([, heading]) => anchors.of(heading)));
}

/** The targets of the links of a page. */
function linksOf(markdown) {
    const labels = withoutCode(markdown.replace(/\[`([^`\]]*)`\]/g, '[$1]'));
    return [...labels.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
}

module.exports = { Anchors, anchorsOf, linksOf };

'use strict';

// A strict parser of the text exposition format of Prometheus, version 0.0.4, after its specification. It
// takes less than a server may: no timestamps, no blanks but the ones that separate, HELP and TYPE first.

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?|[+-]Inf|NaN)$/;
const PAIR = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const ESCAPES = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

/** Metrics by name: `{ type, help, samples: [{ labels, value }] }`. Throws for text that is not right. */
function parse(text) {
    if (text === '') {
        return new Map();
    }
    if (!text.endsWith('\n')) {
        throw new Error('The last line does not end');
    }
    const metrics = new Map();
    let current;
    for (const line of text.slice(0, -1).split('\n')) {
        if (line.startsWith('# HELP ')) {
            current = beginMetric(metrics, line);
        } else if (line.startsWith('# TYPE ')) {
            setType(current, line);
        } else {
            addSample(current, line);
        }
    }
    return metrics;
}

function beginMetric(metrics, line) {
    const [, name, help] = /^# HELP (\S+) ((?:[^\\]|\\[\\n])+)$/.exec(line) ?? fail('no help', line);
    if (!NAME.test(name) || metrics.has(name)) {
        fail('a bad name, or one that was there', line);
    }
    const metric = { name, help, type: undefined, samples: [] };
    metrics.set(name, metric);
    return metric;
}

function setType(metric, line) {
    const [, name, type] = /^# TYPE (\S+) (counter|gauge)$/.exec(line) ?? fail('no type', line);
    if (name !== metric?.name || metric.type !== undefined || metric.samples.length > 0) {
        fail('a type in the wrong place', line);
    }
    if ((type === 'counter') !== name.endsWith('_total')) {
        fail('counters, and only they, end with _total', line);
    }
    metric.type = type;
}

function addSample(metric, line) {
    const [, name, labelText = '', value] = LINE.exec(line) ?? fail('no sample', line);
    if (name !== metric?.name || metric.type === undefined) {
        fail('a sample in the wrong place', line);
    }
    const labels = parseLabels(labelText, line);
    const identity = JSON.stringify(Object.entries(labels).sort());
    if (metric.samples.some((sample) => sample.identity === identity)) {
        fail('a sample that was there', line);
    }
    metric.samples.push({ identity, labels, value: Number(value) });
}

function parseLabels(text, line) {
    const labels = {};
    for (let at = 0; at < text.length; at = PAIR.lastIndex) {
        PAIR.lastIndex = at;
        const [, name, value, separator] = PAIR.exec(text) ?? fail('no label', line);
        if (Object.hasOwn(labels, name) || name.startsWith('__') || (separator === '') !== endsAt(text)) {
            fail('a bad label', line);
        }
        labels[name] = value.replace(/\\["\\n]/g, (escape) => ESCAPES[escape]);
    }
    return labels;
}

function endsAt(text) {
    return PAIR.lastIndex === text.length;
}

function fail(what, line) {
    throw new Error(`${ what }: ${ line }`);
}

module.exports = { parse };

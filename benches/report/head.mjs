// What the figures mean: where, when and how they were measured.

import { STORES } from '../plan.mjs';
import { count } from './format.mjs';

/** Machine, input and settings, a line for each. */
export function headLines({ date, minutes, machine, versions, options, settings }) {
    const { cpu, cores, memory, system, node, fileSystem, load } = machine;
    const { documents, rounds, milliseconds, seed, quick } = options;
    const how = quick ? ', --quick' : '';
    return [
        `machine: ${ cpu }, ${ cores } cores, ${ memory } of memory`,
        `system: ${ system }, ${ fileSystem }, Node ${ node }`,
        `run: ${ date } UTC, ${ minutes } minutes${ how }; load average before it: ${ load }`,
        `method: medians of at most ${ rounds } rounds, stores in turn, each in a process of its own, `
            + `every figure over ${ milliseconds } ms or more, every answer checked`,
        `input: ${ count(documents) } documents unless a section says otherwise, seed ${ seed }`,
        ...Object.entries(settings).flatMap(([store, texts]) => settingLines(store, texts, versions)),
    ];
}

function settingLines(store, texts, versions) {
    const { title, package: name = title } = STORES[store];
    return Object.entries(texts).map(([rows, text]) => (
        `${ [name, versions[store]].filter(Boolean).join(' ') }, ${ rows } rows: ${ text }`
    ));
}

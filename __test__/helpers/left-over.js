'use strict';

const assert = require('node:assert/strict');
const { startScript } = require('./child.js');
const { STORAGE } = require('./storage.js');

/**
 * Lets a process carry out operations on a directory and die. They are names of methods with their arguments,
 * or `checkpoint`: until then everything is in the files, and from there on only in the journal.
 */
async function leaveOver(t, directory, operations, storage = STORAGE) {
    const env = { ...process.env, KIXX_TEST_STORAGE: storage };
    const child = startScript(t, 'left-over-child.js', [directory, JSON.stringify(operations)], { env });
    const { signal, stderr } = await child.exited;
    assert.equal(signal, 'SIGKILL', stderr);
}

/** What a store holds after each of these operations: key to document. `states[0]` is before the first. */
function statesAfter(operations) {
    const states = [{}];
    for (const [what, ...args] of operations) {
        const state = { ...states.at(-1) };
        for (const { type, key, document } of writesOf(what, args)) {
            if (type.startsWith('delete')) {
                delete state[key];
            } else {
                state[key] = { _rev: key in state ? state[key]._rev + 1 : 0, ...document };
            }
        }
        states.push(state);
    }
    return states;
}

function writesOf(what, args) {
    if (what === 'checkpoint') {
        return [];
    }
    return what === 'batch' ? args[0] : [{ type: what, key: args[0], document: args[1] }];
}

module.exports = { leaveOver, statesAfter };

'use strict';

const { fail, isObject } = require('./options.js');
const { IN_MEMORY } = require('./storage-of.js');

const PREFIX = 'kixx_datastore';

/** What text for Prometheus is served as. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Where two datastores on one directory have the same figure, and where each has its own. */
const shared = Math.max;
const own = (a, b) => a + b;

/** Metrics in the order of the text. `read` takes what stats() answers, and may answer undefined. */
const METRICS = [
    gauge('documents', 'Documents in the datastore.', (stats) => stats.documents),
    gauge('backlog_documents', 'Documents in the journal whose files are not up to date.', (stats) => (
        stats.backlog
    )),
    gauge('checkpoint_failing', '1 while files cannot be brought up to date, otherwise 0.', (stats) => (
        stats.checkpointFailure === undefined ? undefined : Number(stats.checkpointFailure !== null)
    )),
    counter('commits', 'Writes committed by this process; a batch is one.', (stats) => stats.commits),
    counter('conflicts', 'Writes refused with a ConflictError.', (stats) => stats.conflicts),
    counter('journal_written_bytes', 'Bytes of commits written to the journal.', (stats) => (
        stats.journalBytesWritten
    )),
    counter('checkpoints', 'Times that files were brought up to date.', (stats) => stats.checkpoints),
    counter('checkpoint_failures', 'Times that this failed.', (stats) => stats.checkpointFailures),
    counter('checkpointed_documents', 'Documents that checkpoints wrote to their files.', (stats) => (
        stats.checkpointedDocuments
    )),
    counter('checkpoint_seconds', 'How long checkpoints took.', (stats) => stats.checkpointSeconds),
    gauge('documents_memory_bytes', 'Memory of the texts of the documents.', (stats) => (
        stats.memory?.documents
    )),
    gauge('keys_memory_bytes', 'Memory of the keys and the tree that finds them.', (stats) => (
        stats.memory?.keys
    )),
    {
        ...gauge('views_memory_bytes', 'Memory of the rows of views.', (stats) => stats.memory?.views),
        merge: own,
    },
    {
        ...gauge('cache_memory_bytes', 'Memory of documents kept parsed, reckoned.', (stats) => (
            stats.memory?.cache
        )),
        merge: own,
    },
    { ...gauge('cached_documents', 'Documents kept parsed.', (stats) => stats.cachedDocuments), merge: own },
    {
        ...counter('cache_misses', 'Documents that had to be parsed.', (stats) => stats.cacheMisses),
        merge: own,
    },
    { ...gauge('view_rows', 'Rows of a view.', (view) => view.rows), ofViews: true },
    {
        ...gauge('view_failures', 'Documents for which the map function of a view threw.', (view) => (
            view.failures
        )),
        ofViews: true,
    },
];

function gauge(name, help, read) {
    return { name: `${ PREFIX }_${ name }`, type: 'gauge', help, read, merge: shared };
}

function counter(name, help, read) {
    return { ...gauge(`${ name }_total`, help, read), type: 'counter' };
}

/**
 * The figures of datastores in the text format of Prometheus.
 *
 * @param {import('../index.d.ts').Datastore | import('../index.d.ts').Datastore[]} datastores
 */
async function prometheus(datastores) {
    const list = Array.isArray(datastores) ? datastores : [datastores];
    for (const datastore of list) {
        if (!isObject(datastore) || typeof datastore.stats !== 'function') {
            fail('datastores', 'a Datastore or an array of them', datastore);
        }
    }
    const stats = await Promise.all(list.map((datastore) => datastore.stats()));
    return METRICS.map((metric) => metricText(metric, stats)).join('');
}

prometheus.contentType = CONTENT_TYPE;

function metricText({ name, type, help, read, merge, ofViews = false }, allStats) {
    const samples = new Map();
    for (const stats of allStats) {
        const add = (text, value) => {
            if (typeof value === 'number') {
                const before = samples.get(text);
                const join = stats.directory === IN_MEMORY ? own : merge;
                samples.set(text, before === undefined ? value : join(before, value));
            }
        };
        const labels = { db_system_name: 'kixx-datastore', db_namespace: stats.directory ?? '' };
        if (ofViews) {
            for (const [view, figures] of Object.entries(stats.views ?? {})) {
                add(labelText({ ...labels, view }), read(figures ?? {}));
            }
        } else {
            add(labelText(labels), read(stats));
        }
    }
    if (samples.size === 0) {
        return '';
    }
    const lines = [...samples].map(([labels, value]) => `${ name }${ labels } ${ value }\n`);
    return `# HELP ${ name } ${ help }\n# TYPE ${ name } ${ type }\n${ lines.join('') }`;
}

function labelText(labels) {
    const pairs = Object.entries(labels).map(([name, value]) => `${ name }="${ escaped(value) }"`);
    return `{${ pairs.join(',') }}`;
}

function escaped(value) {
    return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${ character }`));
}

module.exports = { prometheus };

'use strict';

const fs = require('node:fs');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const zlib = require('node:zlib');
const { itemsOf, withRange } = require('../arguments.js');
const { onDirectory } = require('../command.js');
const { interruptible } = require('../interrupt.js');
const { jsonLine } = require('../json-lines.js');
const { assertWritable, reading } = require('../open.js');
const { withProgress } = require('../progress.js');

/** Characters that are handed on at once. */
const CHUNK_LENGTH = 65_536;

module.exports = {
    name: 'export',
    summary: 'Writes documents as JSON Lines',
    details: 'One {"key":...,"document":...} on a line, all as they were at one moment, to standard output '
        + 'or to a file, which is complete or not there. It is compressed if its name ends in .gz.',
    examples: [
        ['export ./data > documents.jsonl', 'to standard output'],
        ['export ./data documents.jsonl.gz', 'to a compressed file'],
        ['export ./data users.jsonl --prefix user:', 'some of them'],
    ],
    define: (command) => withRange(onDirectory(command))
        .argument('[file]', 'where to write; nothing or - for standard output')
        .option('--force', 'replace the file if it exists'),
    async run({ output }, directory, file, options) {
        if (file === undefined || file === '-') {
            await reading(directory, options, async (datastore) => {
                for await (const item of itemsOf(datastore, options, { includeDocuments: true })) {
                    await output.write(jsonLine(item));
                }
            });
            return;
        }
        assertWritable(directory, file, options);
        const documents = await interruptible((signal) => withProgress('Exporting', (progress) => {
            const how = { signal, progress };
            return reading(directory, options, (datastore) => write(datastore, file, options, how));
        }));
        const { size: bytes } = fs.statSync(file);
        const what = documents === 1 ? '1 document' : `${ documents } documents`;
        const text = `Exported ${ what } to ${ file }, ${ bytes } bytes\n`;
        await output.answer({ documents, file, bytes }, () => text);
    },
};

/** Writes beside the file and puts it in place when all is on disk. Answers how many documents. */
async function write(datastore, file, options, { signal, progress }) {
    const { documents: total } = await datastore.stats();
    const temporary = `${ file }.${ process.pid }.tmp`;
    let documents = 0;
    async function* chunks() {
        let chunk = '';
        for await (const item of itemsOf(datastore, options, { includeDocuments: true })) {
            chunk += jsonLine(item);
            documents += 1;
            if (chunk.length >= CHUNK_LENGTH) {
                progress.update(documents, total);
                yield chunk;
                chunk = '';
            }
        }
        yield chunk;
    }
    const compressors = file.endsWith('.gz') ? [zlib.createGzip()] : [];
    try {
        const target = fs.createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
        await pipeline([Readable.from(chunks()), ...compressors, target], { signal });
        await makeDurable(temporary);
        await fs.promises.rename(temporary, file);
    } catch (error) {
        await fs.promises.rm(temporary, { force: true });
        throw signal.aborted ? signal.reason : error;
    }
    return documents;
}

async function makeDurable(file) {
    const handle = await fs.promises.open(file, 'r+');
    try {
        await handle.sync();
    } finally {
        await handle.close();
    }
}

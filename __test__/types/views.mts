// Views typed by what they emit. Nothing here runs.

import { Datastore, type Emit, type Keyed, type Page, type ViewBound, type ViewItem } from 'kixx-datastore';
import { expect, is, type Equal } from './equal.mjs';

interface Book {
    title: string;
    year: number;
    tags: string[];
}

interface Views {
    byTag: { key: [tag: string, year: number]; value: string };
    byTitle: { key: string };
    count: { key: null; value?: number };
}

const books = new Datastore<Book, Views>({ directory: 'data' });

books.setView('byTag', {
    map(document, emit) {
        is<string>(document.title);
        for (const tag of document.tags) {
            emit([tag, document.year], document.title);
        }
        // @ts-expect-error: the value is missing
        emit(['x', 1]);
        // @ts-expect-error: the key is a pair
        emit('x', document.title);
        // @ts-expect-error: the value is a string
        emit(['x', 1], 5);
    },
});
books.setView('byTitle', { map: (document, emit) => emit(document.title) });
books.setView('byTitle', {
    // @ts-expect-error: it has no values
    map: (document, emit) => emit(document.title, 5),
});
books.setView('count', {
    map(_document, emit) {
        emit(null);
        emit(null, 1);
    },
});
// @ts-expect-error: no such view
books.setView('byYear', { map() {} });
// @ts-expect-error: no map function
books.setView('byTag', {});

const rows = await books.queryView('byTag');
expect<Equal<typeof rows, Page<ViewItem<[tag: string, year: number], string, Book>>>>();
const full = await books.queryView('byTag', { key: ['novel', 1815], includeDocuments: true });
expect<Equal<typeof full, Page<Required<ViewItem<[tag: string, year: number], string, Book>>>>>();
const titles = await books.queryView('byTitle', { startKey: 'a', endKey: 'b', descending: true });
expect<Equal<typeof titles, Page<ViewItem<string, undefined, Book>>>>();
const counts = await books.queryView('count', { key: null });
expect<Equal<typeof counts, Page<ViewItem<null, number | undefined, Book>>>>();

// The bounds of array keys may be beginnings of them.
await books.queryView('byTag', { startKey: ['novel'], endKey: ['novel', {}] });
await books.queryView('byTag', { startKey: [null], endKey: [{}] });
await books.queryView('byTag', { startKey: null, endKey: {} });
await books.queryView('byTag', { startKey: [], endKey: ['novel', 1900] });
expect<Equal<ViewBound<string>, string>>();
expect<Equal<ViewBound<unknown>, unknown>>();
is<ViewBound<string[]>>(['a', null, {}]);
is<ViewBound<[string, [number, string]]>>(['a', [1]]);
// @ts-expect-error: years are numbers
await books.queryView('byTag', { startKey: ['novel', '1815'] });
// @ts-expect-error: no array
await books.queryView('byTag', { startKey: 'novel' });
// @ts-expect-error: too long
await books.queryView('byTag', { startKey: ['novel', 1815, 1] });
// @ts-expect-error: a whole key
await books.queryView('byTag', { key: ['novel'] });
// @ts-expect-error: no such view
await books.queryView('byYear');
// @ts-expect-error: no such view, whatever its types
await books.queryView<number, string>('byYear');

is<boolean>(books.hasView('byTag'));
is<boolean>(books.deleteView('byTag'));
// @ts-expect-error: no such view
books.hasView('byYear');
// @ts-expect-error: no such view
books.deleteView('byYear');

// With keyed documents.
declare const mixed: Datastore<Keyed<{ [key: `book:${string}`]: Book; config: { theme: string } }>, Views>;
mixed.setView('byTitle', {
    map(document, emit) {
        if ('title' in document) {
            emit(document.title);
        }
        // @ts-expect-error: not every document has one
        emit(document.title);
    },
});
const mixedRows = await mixed.queryView('byTag', { includeDocuments: true });
expect<Equal<(typeof mixedRows)['items'][0]['key'], [tag: string, year: number]>>();
// @ts-expect-error: no such view
await mixed.queryView('byYear');

// A map function of its own.
const map = (document: Book, emit: Emit<[string, number], string>) => emit(['x', document.year], 'x');
books.setView('byTag', { map });

// @ts-expect-error: a view has keys
new Datastore<Book, { byTag: { value: string } }>({ directory: 'data' });

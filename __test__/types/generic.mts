// Code over a document type that it does not know. Nothing here runs.

import { Datastore, type Page, type KeyItem, type Storable, type Stored } from 'kixx-datastore';
import { is } from './equal.mjs';

class Repository<T extends object> {
    readonly #store: Datastore<T>;
    readonly #prefix: string;

    constructor(store: Datastore<T>, prefix: string) {
        this.#store = store;
        this.#prefix = prefix;
    }

    find(id: string): Promise<Stored<T>> {
        return this.#store.getItem(`${ this.#prefix }:${ id }`);
    }

    async list(): Promise<Stored<T>[]> {
        const page = await this.#store.queryKeys({ startKey: this.#prefix, includeDocuments: true });
        return page.items.map((item) => item.document);
    }

    keys(): Promise<Page<KeyItem<T>>> {
        return this.#store.queryKeys();
    }

    several(ids: string[]): Promise<(Stored<T> | null)[]> {
        return this.#store.getItems(ids);
    }

    save(id: string, document: Storable<T>): Promise<Stored<T>> {
        return this.#store.setItem(id, document);
    }

    add(document: T): Promise<Stored<T>> {
        return this.#store.insertItem('new', document);
    }

    change(id: string, change: (document: Stored<T>) => T): Promise<Stored<T>> {
        return this.#store.updateItem(id, (document) => {
            if (document === null) {
                throw new Error('gone');
            }
            return change(document);
        });
    }

    async sum(of: (document: Stored<T>) => number): Promise<number> {
        let sum = 0;
        for await (const { document } of this.#store.scan({ includeDocuments: true })) {
            sum += of(document);
        }
        return sum;
    }

    index(key: (document: Stored<T>) => string): void {
        this.#store.setView('index', { map: (document, emit) => emit(key(document)) });
    }

    async indexed(key: string): Promise<Stored<T>[]> {
        const page = await this.#store.queryView('index', { key, includeDocuments: true });
        return page.items.map((item) => item.document);
    }

    async remove(id: string): Promise<boolean> {
        return await this.#store.hasItem(id) && await this.#store.deleteItem(id) === id;
    }

    async swap(a: T, b: T): Promise<Stored<T>> {
        const [stored] = await this.#store.batch([
            { type: 'set', key: 'a', document: a }, { type: 'set', key: 'b', document: b },
        ]);
        return stored;
    }
}

class Users extends Datastore<{ name: string }> {
    async nameOf(id: string): Promise<string> {
        return (await this.getItem(`user:${ id }`)).name;
    }
}

class Typed<T extends object> extends Datastore<T> {
    first(): Promise<Stored<T>> {
        return this.getItem('first');
    }
}

const users = new Users({ directory: 'data' });
is<string>(await users.nameOf('1'));
is<Datastore<{ name: string }>>(users);
is<{ n: number }>(await new Typed<{ n: number }>({ directory: 'data' }).first());
is<Repository<{ name: string }>>(new Repository(users, 'user'));

// What takes any datastore.
function names(store: Datastore<any, any, any>): Promise<unknown> {
    return store.getItem('a').then((document) => document.name);
}
void names(users);

// A datastore of one type, wherever its missing documents are null.
declare const lenient: Datastore<{ name: string }, {}, 'null'>;
is<string | undefined>((await lenient.getItem('a'))?.name);

import type { Key } from '../index.js';

/**
 * Documents of several types in one {@link Datastore}, told apart by patterns of their keys:
 *
 *     Datastore<Keyed<{ [key: `user:${string}`]: User; [key: `post:${string}`]: Post }>>
 *
 * A key that fits no pattern does not compile. A key that is any string may mean a document of each type.
 */
export interface Keyed<S extends { [P in keyof S]: object }> {
    readonly [schema]: S;
}

declare const schema: unique symbol;

/** What a datastore of `T` has documents of: `T`, or all the types of its key patterns. */
export type DocumentOf<T extends object> = T extends Keyed<infer S> ? Extract<S[keyof S], object> : T;

/** What the document at a key is. */
export type DocumentAt<T extends object, K extends Key> = T extends Keyed<infer S>
    ? Extract<string extends K ? S[keyof S] : Lookup<ByText<S>, `${K}`>, object>
    : T;

/** Any key that fits a pattern of `T`; any key where there are none. */
export type KeyOf<T> = T extends Keyed<infer S> ? `${keyof S & Key}` : Key;

/** What `K` must be besides: nothing if it is any string, or fits a pattern. */
export type Known<T, K extends Key> = string extends K
    ? unknown
    : `${K}` extends KeyOf<T> ? unknown : NoSuchKey<KeyOf<T>>;

/** Shown by the compiler where a key fits none of the patterns. */
export interface NoSuchKey<Patterns> {
    readonly [schema]: Patterns;
}

type ByText<S> = { [P in keyof S as `${P & Key}`]: S[P] };

type Lookup<S, K> = K extends keyof S ? S[K] : never;

/** Tells the overloads of a datastore apart. Nothing of it exists at runtime. */
export declare const kind: unique symbol;

export interface Kind<T> {
    documents: T;
    untyped: string extends keyof T ? true : false;
}

/** A datastore whose keys decide. */
export interface KeyedStore {
    readonly [kind]?: { documents: Keyed<any>; untyped: false };
}

/** A datastore of one document type. */
export interface PlainStore {
    readonly [kind]?: { documents: Plain };
}

/** A datastore that was not told a document type. */
export interface UntypedStore {
    readonly [kind]?: { documents: Plain; untyped: true };
}

type Plain = object & { readonly [schema]?: undefined };

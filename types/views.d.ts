/**
 * What the views of a {@link Datastore} emit, by their ids:
 *
 *     Datastore<Post, { byTag: { key: [tag: string, year: number]; value: string } }>
 */
export type ViewTypes<V> = { [I in keyof V]: { key: unknown; value?: unknown } };

/** Views of which nothing was said. */
export type UntypedViews = Record<string, { key: unknown; value: unknown }>;

/** The id of a view that may be named together with the types of its rows: one that nothing was said of. */
export type UntypedViewId<V> = string extends keyof V ? string : never;

/** The keys that a view emits. */
export type ViewKey<V, I extends keyof V> = V[I] extends { key: infer K } ? K : unknown;

/** The values that a view emits; undefined if it emits keys only. */
export type ViewValue<V, I extends keyof V> = 'value' extends keyof V[I] ? V[I]['value'] : undefined;

/** The keys that a map function may emit: any, for a view of which nothing was said. */
export type EmittedKey<V, I extends keyof V> = string extends keyof V ? any : ViewKey<V, I>;

/** The values that a map function may emit. */
export type EmittedValue<V, I extends keyof V> = string extends keyof V ? any : ViewValue<V, I>;

/** Adds a row. The value may be left out where it may be undefined. */
export type Emit<K, V> = undefined extends V ? (key: K, value?: V) => void : (key: K, value: V) => void;

/**
 * A bound of a range of view keys. For a key that is an array: its beginning, in which null stands below
 * everything and `{}` above.
 */
export type ViewBound<K> = K extends readonly unknown[] ? Lowest | Highest | Beginning<K> : K;

/** The first elements of a key that is an array, each of which may be a bound itself. */
type Beginning<K extends readonly unknown[]> = number extends K['length']
    ? (Item<K[number]>)[]
    : K extends readonly [infer First, ...infer Rest] ? [] | [Item<First>, ...Beginning<Rest>] : [];

/** What may stand for an element of a key in a bound. */
type Item<K> = ViewBound<K> | Lowest | Highest;

/** Below every other key. */
type Lowest = null;

/** Above every key that is no object. */
type Highest = Record<string, never>;

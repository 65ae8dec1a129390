/** Whether two types are the same. */
export type Equal<A, B> =
    (<X>() => X extends A ? 1 : 2) extends (<X>() => X extends B ? 1 : 2) ? true : false;

/** Compiles if that is so: `expect<Equal<A, B>>()`. */
export declare function expect<_T extends true>(): void;

/** Compiles if the value fits. */
export declare function is<T>(value: T): void;

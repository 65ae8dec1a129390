/**
 * Stores what `change` makes of the document, or of null where there is none. Where it makes null, nothing is
 * stored. Goes on when another process was faster.
 */
export async function updateWithRetry(datastore, key, change) {
    for (;;) {
        try {
            return await datastore.updateItem(key, (current) => {
                const changed = change(current);
                if (changed === null) {
                    throw new NothingToDo();
                }
                return changed;
            });
        } catch (error) {
            if (error instanceof NothingToDo) {
                return null;
            }
            if (error.code !== 'CONFLICT') {
                throw error;
            }
        }
    }
}

class NothingToDo extends Error {}

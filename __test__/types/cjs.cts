import kixx = require('kixx-datastore');

const store: kixx.Datastore<{ name: string }> = new kixx.Datastore({ directory: 'data' });

async function read(): Promise<string> {
    try {
        return (await store.getItem('a')).name;
    } catch (error) {
        if (error instanceof kixx.NotFoundError) {
            const code: 'NOT_FOUND' = error.code;
            return `${ code } ${ error.key ?? '' }`;
        }
        throw error;
    }
}

export = read;

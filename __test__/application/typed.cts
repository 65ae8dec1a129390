import kixx = require('kixx-datastore');

const datastore: kixx.Datastore<{ name: string }> = new kixx.Datastore({ directory: 'never-loaded' });
const read = async (): Promise<string> => (await datastore.getItem('a')).name;
// @ts-expect-error: not a key
const wrong = () => datastore.getItem({});

void [read, wrong];
void import('./check.mjs').then(({ default: check }) => check(kixx));

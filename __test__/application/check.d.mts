type Used = 'Datastore' | 'NotFoundError' | 'ConflictError';

export default function check(kixx: Pick<typeof import('kixx-datastore'), Used>): Promise<void>;

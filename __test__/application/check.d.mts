type Used = 'Datastore' | 'Distributor' | 'NotFoundError' | 'ConflictError';

export default function check(kixx: Pick<typeof import('kixx-datastore'), Used>): Promise<void>;

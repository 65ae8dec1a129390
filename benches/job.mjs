// The process of one store: does one job, sends the figures to its parent, and ends.

const job = JSON.parse(process.argv[2]);

try {
    const adapter = await import(`./stores/${ job.store }.mjs`);
    const { measure } = await import(`./${ job.module }.mjs`);
    const figures = await measure(job, adapter);
    send({ figures, settings: adapter.settings });
} catch (error) {
    send({ error: { message: error.stack ?? String(error), code: error.code } });
    process.exitCode = 1;
}

function send(message) {
    process.send(message, () => process.disconnect());
}

//! How long the hot paths take.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hot_paths::{HOT_PATHS, OPERATIONS};

fn hot_paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hot paths");
    group.throughput(Throughput::Elements(OPERATIONS));
    for path in HOT_PATHS {
        let mut run = (path.prepare)();
        group.bench_function(path.name, |bencher| bencher.iter(&mut run));
    }
    group.finish();
}

criterion_group!(benches, hot_paths);
criterion_main!(benches);

mod cache;
#[path = "../../../src/evict/mod.rs"]
#[expect(dead_code, reason = "what the pool will use and a replay does not")]
mod evict;
mod evictor;
#[path = "../../../src/sync.rs"]
#[expect(dead_code, reason = "what the evictor does not use")]
mod sync;

/// Where the evictor finds the names of the policies.
mod pool {
    pub(crate) mod policy {
        pub(crate) use memory_cache_pool::EvictionPolicy;
    }
}
use cache::*;
use evictor::*;
use memory_cache_pool::EvictionPolicy as P;
use std::fs;
fn main() {
    let bars = fs::read_to_string("/work/shared/traces/bars.tsv").unwrap();
    let big = std::env::args().any(|a| a == "big");
    let mut sum = 0.0;
    let mut n = 0.0;
    for l in bars.lines().skip(1) {
        let f: Vec<&str> = l.split('\t').collect();
        let t = f[1];
        let isbig = matches!(t, "arc-p3" | "c2k-orm-night");
        if isbig != big {
            continue;
        }
        let d = fs::read(format!("/tmp/tr/{t}.ktr")).unwrap();
        let tr: Vec<u32> =
            d[24..].chunks_exact(4).map(|c| u32::from_le_bytes(c.try_into().unwrap())).collect();
        let cap: usize = f[2].parse().unwrap();
        let mut out = vec![];
        for pol in [P::AllKeysLfu, P::AllKeysLru] {
            let mut v = vec![];
            for seed in 0..if big { 1 } else { 4u64 } {
                let c = PlainHost::new(pol, Limit::Keys(cap));
                let seat = Seat::new(seed + 1);
                let mut hits = 0;
                for &k in &tr {
                    let mut h = (k as u64 + 1).wrapping_mul(0x9E3779B97F4A7C15)
                        ^ (seed.wrapping_mul(0x123456789abcdef1));
                    h ^= h >> 32;
                    h = h.wrapping_mul(0xd6e8feb86659fd93);
                    h ^= h >> 32;
                    h = h.wrapping_mul(0xd6e8feb86659fd93);
                    h ^= h >> 32;
                    if c.get(&seat, h) { hits += 1 } else { c.set(&seat, h, 1) }
                }
                assert!(c.held().0 <= cap);
                v.push(hits as f64 * 100.0 / tr.len() as f64);
            }
            out.push((
                v.iter().sum::<f64>() / v.len() as f64,
                v.iter().cloned().fold(1e9, f64::min),
            ));
        }
        sum += out[0].0;
        n += 1.0;
        println!(
            "{t:16}{cap:7} lfu {:6.2} min {:6.2} must {} tgt {} {} | lru {:6.2} min {:6.2} bar {} {}",
            out[0].0,
            out[0].1,
            f[12],
            f[13],
            if out[0].1 < f[12].parse().unwrap() {
                "FAIL"
            } else if out[0].0 < f[13].parse().unwrap() {
                "below"
            } else {
                ""
            },
            out[1].0,
            out[1].1,
            f[11],
            if out[1].1 < f[11].parse().unwrap() { "FAIL" } else { "" }
        );
    }
    println!("mean {:.3}", sum / n);
}

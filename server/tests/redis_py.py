#!/usr/bin/env python3
"""What redis-py does with a server, in RESP2 and RESP3: redis_py.py PORT. The server is flushed."""
import sys
import threading
import time

import redis


def data(r):
    assert r.ping() and r.set("a", 1, ex=100, nx=True) and r.incr("a") == 2 and 90 < r.ttl("a") <= 100
    r.mset({"x": 1, "y": 2})
    assert r.mget("x", "y", "z") == ["1", "2", None]
    r.hset("h", mapping={"f": "v", "g": "2"})
    assert r.hgetall("h") == {"f": "v", "g": "2"} and r.hincrbyfloat("h", "g", 0.5) == 2.5
    r.rpush("l", 1, 2, 3)
    assert r.lrange("l", 0, -1) == ["1", "2", "3"] and r.lpos("l", "2") == 1
    r.sadd("s", "a", "b")
    assert r.smembers("s") == {"a", "b"} and r.smismember("s", ["a", "c"]) == [1, 0]
    assert set(r.scan_iter(match="?")) == {"a", "x", "y", "h", "l", "s"}
    assert r.copy("h", "h2") and r.rename("h2", "h3") and r.expireat("h3", int(time.time()) + 100)
    assert r.persist("h3") and r.object("encoding", "a") == "int" and r.memory_usage("h3") > 0
    with r.pipeline(transaction=False) as pipe:
        assert pipe.set("p", 1).incr("p").execute() == [True, 2]
    with r.pipeline(transaction=True) as pipe:
        try:
            pipe.set("p", 1).incr("p").execute()
            raise AssertionError("there are no transactions")
        except redis.ResponseError as error:
            assert "transactions are not supported" in str(error), error
    assert r.get("p") == "2"
    assert r.move("p", 3) and r.swapdb(0, 3) and r.get("p") == "2" and r.swapdb(0, 3)


def waiting(r, other):
    r.rpush("q", 1, 2, 3)
    assert list(r.blpop(["none", "q"], timeout=1)) == ["q", "1"]
    assert r.blpop("none", timeout=0.05) is None
    assert r.blmove("q", "m", 0.05) == "2" and r.brpoplpush("q", "m", 1) == "3"
    assert r.blmpop(0.05, 2, "none", "m", direction="LEFT", count=5) is not None
    push = threading.Timer(0.05, lambda: other.rpush("q", "late"))
    push.start()
    assert list(r.blpop("q", timeout=10)) == ["q", "late"]
    push.join()


def operator(r):
    info = r.info()
    assert info["redis_mode"] == "standalone" and info["db0"]["keys"] > 3
    for section in ("all", "everything", "commandstats", "latencystats", "memory"):
        r.info(section)
    assert r.config_set("maxmemory", "100mb") and r.config_get("maxmem*")["maxmemory"] == "104857600"
    assert r.config_set("maxmemory", 0) and r.config_resetstat()
    assert r.client_setname("n") and r.client_getname() == "n" and r.client_list() and r.client_info()
    assert r.client_id() and r.client_pause(1) and r.client_unpause()
    assert len(r.command()) == r.command_count() and r.command_getkeys("SET", "k", "v") == ["k"]
    assert r.memory_stats() and r.slowlog_reset() and r.slowlog_get() is not None
    assert r.latency_latest() == [] and r.latency_reset() == 0 and r.time() and r.lolwut()
    assert r.module_list() == [] and r.function_flush() and r.role()
    assert r.acl_setuser("bob", enabled=True, passwords=["+pw"], keys=["b*"], commands=["+get"])
    assert r.acl_getuser("bob")["commands"] == ["+get"] and "bob" in r.acl_users() and r.acl_cat()
    assert r.acl_deluser("bob") == 1 and r.acl_whoami() == "default" and r.acl_log() == []


def monitor(r, other):
    with r.monitor() as shown:
        other.get("seen")
        assert any("seen" in command["command"] for command in shown.listen())


for protocol in (2, 3):
    client = redis.Redis(port=int(sys.argv[1]), protocol=protocol, decode_responses=True, client_name="smoke")
    other = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
    client.flushall()
    data(client)
    waiting(client, other)
    operator(client)
    monitor(client, other)
print("redis-py", redis.__version__, "gets along with it")

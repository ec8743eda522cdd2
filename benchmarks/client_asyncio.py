#!/usr/bin/env python3
"""A minimal load generator on asyncio and aiohttp, with which bench_client compares sweep-bench.

It does what such clients in Python usually do: a task for each request, a semaphore for the concurrency, one
session, the body read line by line, json.loads for each event, time.perf_counter for the time stamps. It has no
tokenizer, no progress bar and no retries. Only bench_client uses it.

    client_asyncio.py URL CONCURRENCY REQUESTS INPUT_TOKENS OUTPUT_TOKENS RATE RESULT

RATE is in requests per second; 0: all at once.
"""

import asyncio
import json
import resource
import sys
import time

import aiohttp
import numpy


async def request(session, url, body, record):
    sent = time.perf_counter()
    last = None
    stamp_before = None
    async with session.post(url, json=body) as response:
        response.raise_for_status()
        async for line in response.content:
            line = line.strip()
            if not line.startswith(b"data: ") or line == b"data: [DONE]":
                continue
            now = time.perf_counter()
            event = json.loads(line[6:])
            if event.get("usage"):
                record["output_tokens"] += event["usage"]["completion_tokens"]
            if not event.get("choices"):
                continue
            stamp = event.get("stamp_ns")
            if last is None:
                record["ttfts"].append(now - sent)
                if stamp is not None:
                    record["server_ttfts"].append((stamp - event["received_ns"]) * 1e-9)
            else:
                record["itls"].append(now - last)
                if stamp is not None:
                    record["server_itls"].append((stamp - stamp_before) * 1e-9)
            last, stamp_before = now, stamp


async def main(url, concurrency, requests, input_tokens, output_tokens, rate, path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    prompts = numpy.random.default_rng(0).integers(1000, 32000, size=(requests, input_tokens)).tolist()
    gaps = numpy.random.default_rng(1).exponential(1 / rate, size=requests) if rate else numpy.zeros(requests)
    arrivals = numpy.cumsum(gaps).tolist()
    record = {"output_tokens": 0, "ttfts": [], "itls": [], "server_ttfts": [], "server_itls": []}
    slots = asyncio.Semaphore(concurrency)

    async def run_when_due(prompt, arrival):
        body = {
            "model": "m",
            "prompt": prompt,
            "max_tokens": output_tokens,
            "stream": True,
            "ignore_eos": True,
            "stream_options": {"include_usage": True},
        }
        if arrival > 0:
            await asyncio.sleep(arrival)
        async with slots:
            await request(session, url, body, record)

    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=1 << 20) as session:
        begin = time.perf_counter()
        await asyncio.gather(*[run_when_due(prompt, arrival) for prompt, arrival in zip(prompts, arrivals)])
        duration = time.perf_counter() - begin

    def added(measured, servers):
        if not servers:
            return {}
        excess = numpy.array(measured) - numpy.array(servers)
        return {"p50": float(numpy.percentile(excess, 50)), "p99": float(numpy.percentile(excess, 99))}

    result = {
        "duration": duration,
        "completed": len(record["ttfts"]),
        "output_tokens": record["output_tokens"],
        "added_ttft": added(record["ttfts"], record["server_ttfts"]),
        "added_itl": added(record["itls"], record["server_itls"]),
    }
    with open(path, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:6]), float(sys.argv[6]), sys.argv[7]))

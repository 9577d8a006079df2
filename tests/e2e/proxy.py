"""In front of a server on 127.0.0.1, at the same port of 127.0.0.2; SIGUSR1 cuts every connection.   proxy.py PORT   prints "ready URL" """
import asyncio
import signal
import sys

port = int(sys.argv[1])
open_writers = set()


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def serve(reader, writer):
    try:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:  # the server is down: so are we
        writer.close()
        return
    open_writers.update((writer, to_writer))
    await asyncio.gather(copy(reader, to_writer), copy(to_reader, writer))
    open_writers.difference_update((writer, to_writer))


def cut():
    for writer in list(open_writers):
        writer.transport.abort()


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, cut)
    server = await asyncio.start_server(serve, "127.0.0.2", port)
    print(f"ready opc.tcp://127.0.0.2:{port}", flush=True)
    await server.serve_forever()


asyncio.run(main())

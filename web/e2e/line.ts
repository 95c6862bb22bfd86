/** A line to the server that can be cut in the middle of what goes up it. */

import { connect, createServer, type Server, type Socket } from "node:net";
import { SERVER } from "./browser";

export class Line {
  #server: Server;
  #sockets = new Set<Socket>();
  #room = Number.POSITIVE_INFINITY;
  #isCut = false;

  private constructor() {
    this.#server = createServer((client) => this.#carry(client));
  }

  static async laid(): Promise<Line> {
    const line = new Line();
    await new Promise<void>((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    return line;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Lets so many bytes more through to the server, and holds all behind them. */
  hold(bytes: number): void {
    this.#room = bytes;
  }

  /** Breaks every connection, and takes no other. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#room = Number.POSITIVE_INFINITY;
    this.#isCut = false;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #carry(client: Socket): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const { hostname, port } = new URL(SERVER);
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
      socket.on("error", () => socket.destroy());
    }
    server.pipe(client);
    client.on("data", (bytes) => {
      this.#room -= bytes.length;
      server.write(bytes);
      if (this.#room <= 0) client.pause();
    });
  }
}

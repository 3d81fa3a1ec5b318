// Starts JupyterLab through the project's own command and talks to its REST interface.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export class Lab {
  /**
   * Runs `command` (the words of a command line that serves JupyterLab) and
   * waits until it has printed its address and answers there.
   */
  static async start(command, cwd, timeoutSeconds) {
    const lab = new Lab();
    lab.log = '';
    // A process group of its own, so that stop() reaches everything `go run` started.
    lab.process = spawn(command[0], command.slice(1), { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    lab.exited = new Promise((resolve) => lab.process.once('exit', (code) => resolve(code ?? 'signal')));
    lab.exited.then((code) => (lab.exitCode = code));
    lab.process.once('error', (error) => (lab.exitCode = error.message));
    for (const stream of [lab.process.stdout, lab.process.stderr]) stream.on('data', (data) => (lab.log += data));

    const deadline = Date.now() + timeoutSeconds * 1000;
    while (Date.now() < deadline) {
      if (lab.exitCode !== undefined) throw new Error(`${command.join(' ')} ended (${lab.exitCode}) before it served anything:\n${lab.log}`);
      const address = lab.log.match(/http:\/\/(?:127\.0\.0\.1|localhost):\d+\/\S*token=([0-9a-zA-Z_-]+)/);
      if (address) {
        const url = new URL(address[0]);
        lab.origin = url.origin;
        lab.token = address[1];
        if (await lab.get('/api/status').catch(() => null)) return lab;
      }
      await sleep(200);
    }
    await lab.stop();
    throw new Error(`${command.join(' ')} printed no address that answers within ${timeoutSeconds} s:\n${lab.log}`);
  }

  async send(method, path) {
    const response = await fetch(this.origin + path, { method, headers: { Authorization: `token ${this.token}` } });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${response.statusText}`);
    return response;
  }

  async request(method, path) {
    const text = await (await this.send(method, path)).text();
    return text ? JSON.parse(text) : null;
  }

  /** What the server sends for a path, as it is. */
  async file(path) {
    return Buffer.from(await (await this.send('GET', path)).arrayBuffer());
  }

  get(path) {
    return this.request('GET', path);
  }

  /** The notebook as saved on the server (not as shown in the page). */
  async notebook(name) {
    return (await this.get(`/api/contents/${encodeURIComponent(name)}?content=1`)).content;
  }

  /** The kernel that belongs to a notebook, or undefined while there is none. */
  async kernel(name) {
    const session = (await this.get('/api/sessions')).find((s) => s.path === name);
    return session?.kernel;
  }

  /** Asks the server to end, then makes sure; resolves when nothing it started in its group is left. */
  async stop() {
    if (this.origin && this.exitCode === undefined) await this.request('POST', '/api/shutdown').catch(() => {});
    await Promise.race([this.exited, sleep(15000)]);
    try {
      process.kill(-this.process.pid, 'SIGKILL');
      this.leftovers = true;
    } catch {
      this.leftovers = false; // The whole group has gone by itself.
    }
  }
}

import type { HttpAnswer, HttpQuestion, RegistryTransport } from './registry-transport.ts';

/*
 * A registry in memory, for tests: `mock://name`, as of Java's. It answers the REST API as a real one does, but for
 * compatibility, which it does not check.
 */

interface Kept {
  readonly schema: string;
  readonly schemaType?: string;
  readonly references?: readonly unknown[];
}

const registries = new Map<string, MockRegistry>();

/** The one of this name, in this thread. */
export function mockRegistry(url: string): MockRegistry {
  const known = registries.get(url) ?? new MockRegistry(url);
  registries.set(url, known);
  return known;
}

export class MockRegistry implements RegistryTransport {
  readonly name: string;
  readonly #schemas: Kept[] = [];
  /** Ids by subject: the first is version 1. */
  readonly #subjects = new Map<string, number[]>();

  constructor(name: string) {
    this.name = name;
  }

  ask({ method, path, body = '' }: HttpQuestion): HttpAnswer {
    const parts = path.split('?')[0]?.split('/').slice(1).map(decodeURIComponent) ?? [];
    const [first, second = '', third, fourth] = parts;
    if (method === 'GET' && first === 'schemas') return this.#schema(Number(third));
    if (method === 'GET' && first === 'subjects' && parts.length === 1) return ok([...this.#subjects.keys()]);
    if (method === 'GET' && first === 'subjects' && fourth !== undefined) return this.#version(second, fourth);
    if (method === 'POST' && first === 'subjects')
      return third === 'versions' ? this.#register(second, body) : this.#find(second, body);
    return failed(404, 404, 'HTTP 404 Not Found');
  }

  #schema(id: number): HttpAnswer {
    const kept = this.#schemas[id - 1];
    return kept === undefined ? failed(404, 40403, `Schema ${String(id)} not found`) : ok(kept);
  }

  #version(subject: string, version: string): HttpAnswer {
    const ids = this.#subjects.get(subject);
    if (ids === undefined) return failed(404, 40401, `Subject '${subject}' not found.`);
    const number = version === 'latest' ? ids.length : Number(version);
    const id = ids[number - 1];
    if (id === undefined) return failed(404, 40402, `Version ${version} not found.`);
    return ok({ subject, version: number, id, ...this.#schemas[id - 1] });
  }

  #register(subject: string, body: string): HttpAnswer {
    const kept = JSON.parse(body) as Kept;
    const same = this.#schemas.findIndex((one) => JSON.stringify(one) === JSON.stringify(kept));
    const id = same === -1 ? this.#schemas.push(kept) : same + 1;
    const ids = this.#subjects.get(subject) ?? [];
    if (!ids.includes(id)) this.#subjects.set(subject, [...ids, id]);
    return ok({ id });
  }

  #find(subject: string, body: string): HttpAnswer {
    const ids = this.#subjects.get(subject);
    if (ids === undefined) return failed(404, 40401, `Subject '${subject}' not found.`);
    const text = JSON.stringify(JSON.parse(body));
    const id = ids.find((one) => JSON.stringify(this.#schemas[one - 1]) === text);
    return id === undefined
      ? failed(404, 40403, 'Schema not found')
      : ok({ subject, id, version: ids.indexOf(id) + 1 });
  }
}

function ok(answer: unknown): HttpAnswer {
  return { status: 200, body: JSON.stringify(answer) };
}

function failed(status: number, code: number, message: string): HttpAnswer {
  return { status, body: JSON.stringify({ error_code: code, message }) };
}

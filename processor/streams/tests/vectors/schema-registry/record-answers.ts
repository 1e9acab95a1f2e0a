/**
 * Run by hand, with a new registry that speaks Confluent's REST API: asks what the client asks, and prints the answers
 * as answers.json keeps them. How: README.md.
 */
import { BlockingHttp } from '../../../schema-registry/blocking-http.ts';
import type { HttpAnswer, HttpQuestion } from '../../../schema-registry/registry-transport.ts';

export interface Recorded {
  readonly question: HttpQuestion;
  readonly answer: HttpAnswer;
}

const [base] = process.argv.slice(2);
if (base === undefined) throw new Error('record-answers.ts takes the URL of a registry');
const http = new BlockingHttp({ urls: [base], headers: {}, timeoutMs: 5_000 });
const recorded: Recorded[] = [];

function ask(method: HttpQuestion['method'], path: string, body?: object): { readonly id?: number } {
  const question = { method, path, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = http.ask(question);
  recorded.push({ question, answer });
  return JSON.parse(answer.body) as { readonly id?: number };
}

const record = (...fields: readonly object[]): object => ({
  schema: JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'x', type: 'int' }, ...fields] }),
});
const item = { schemaType: 'PROTOBUF', schema: 'syntax = "proto3"; package shop; message Item { string sku = 1; }' };
const basket = {
  schemaType: 'PROTOBUF',
  schema: 'syntax = "proto3"; package shop; import "item.proto"; message Basket { Item item = 1; }',
  references: [{ name: 'item.proto', subject: 'item', version: 1 }],
};
const json = {
  schemaType: 'JSON',
  schema: '{"$schema":"http://json-schema.org/draft-07/schema#","title":"J","type":"object"}',
};

ask('GET', '/subjects/r-value/versions/latest');
ask('POST', '/subjects/r-value', record());
const { id } = ask('POST', '/subjects/r-value/versions', record());
ask('POST', '/subjects/r-value/versions', record());
ask('POST', '/subjects/r-value', record());
ask('POST', '/subjects/r-value', record({ name: 'z', type: 'string', default: '' }));
ask('POST', '/subjects/r-value/versions', record({ name: 'y', type: 'int', default: 1 }));
ask('GET', '/subjects/r-value/versions/1');
ask('GET', '/subjects/r-value/versions/latest');
ask('GET', '/subjects/r-value/versions/9');
ask('GET', `/schemas/ids/${String(id)}`);
ask('GET', '/schemas/ids/999999');
ask('POST', '/subjects/item/versions', item);
const { id: basketId } = ask('POST', '/subjects/basket/versions', basket);
ask('GET', `/schemas/ids/${String(basketId)}`);
ask('GET', '/subjects/item/versions/1');
const { id: jsonId } = ask('POST', '/subjects/j-value/versions', json);
ask('GET', `/schemas/ids/${String(jsonId)}`);
await fetch(`${base}/config/r-value`, {
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: '{"compatibility":"BACKWARD"}',
});
ask('POST', '/subjects/r-value/versions', record({ name: 'must', type: 'int' }));
ask('POST', '/subjects/r-value/versions', { schema: '{"type":"rekord"}' });
process.stdout.write(`${JSON.stringify(recorded, null, 2)}\n`);
http.close();

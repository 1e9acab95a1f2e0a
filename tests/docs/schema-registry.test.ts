import { expect, test } from '@jest/globals';
import { StreamsBuilder } from '@tributary/streams';
import { avroSerde, jsonSchemaSerde, protobufSerde, schemaRegistry } from '@tributary/streams/schema-registry';
import { TopologyTestDriver } from '@tributary/streams/testing';
import { z } from 'zod';

/* The code of docs/streams/schema-registry.md: serdes of a schema registry. */

interface Order {
  readonly customer: string;
  readonly cents: number;
  readonly coupon: string | null;
}

test('Avro, in a topology and in its test', async () => {
  const registry = schemaRegistry({ url: process.env['SCHEMA_REGISTRY_URL'] ?? 'mock://shop' });
  const orderSchema = {
    type: 'record',
    name: 'Order',
    namespace: 'shop',
    fields: [
      { name: 'customer', type: 'string' },
      { name: 'cents', type: 'long' },
      { name: 'coupon', type: ['null', 'string'], default: null },
    ],
  };
  const orderSerde = avroSerde<Order>(registry, { topic: 'orders', schema: orderSchema });

  const builder = new StreamsBuilder();
  builder
    .stream('orders', { value: orderSerde, deadLetterTopic: 'orders-dlq' })
    .filter(({ coupon }) => coupon !== null)
    .to('orders-with-coupon', {
      value: avroSerde<Order>(registry, { topic: 'orders-with-coupon', schema: orderSchema }),
    });

  const driver = new TopologyTestDriver(builder.build());
  const orders = driver.inputTopic('orders', { value: orderSerde });
  await orders.pipe(
    { value: { customer: 'ann', cents: 500, coupon: 'spring' } },
    { value: { customer: 'bob', cents: 900, coupon: null } },
  );
  await driver.pipe('orders', { value: '{"customer":"eve"}' });
  expect(driver.outputTopic('orders-with-coupon', { value: avroSerde<Order>(registry) }).read()).toMatchObject([
    { value: { customer: 'ann', cents: 500, coupon: 'spring' } },
  ]);
  expect(driver.output('orders-dlq')).toHaveLength(1);
});

interface Payment {
  readonly order_id: string;
  readonly cents: number;
  readonly card?: string;
  readonly iban?: string;
}

test('Protobuf', () => {
  const registry = schemaRegistry({ url: 'mock://payments' });
  const paymentSerde = protobufSerde<Payment>(registry, {
    topic: 'payments',
    schema: `
      syntax = "proto3";
      package shop;
      message Payment {
        string order_id = 1;
        int64 cents = 2;
        oneof by { string card = 3; string iban = 4; }
      }`,
    message: 'shop.Payment',
  });
  const payment = { order_id: 'o1', cents: 500, iban: 'DE00' };
  expect(paymentSerde.deserialize(paymentSerde.serialize(payment))).toEqual(payment);
});

interface Click {
  readonly page: string;
}

test('JSON Schema', () => {
  const registry = schemaRegistry({ url: 'mock://visits' });
  const visit = z.object({ page: z.string(), ms: z.number().int() }).meta({ title: 'Visit' });
  const visitSerde = jsonSchemaSerde(registry, { topic: 'visits', schema: visit });
  const clickSerde = jsonSchemaSerde<Click>(registry, {
    topic: 'clicks',
    schema: { type: 'object', properties: { page: { type: 'string' } }, required: ['page'] },
  });
  const read: { page: string; ms: number } = visitSerde.deserialize(visitSerde.serialize({ page: '/', ms: 5 }));
  expect(read).toEqual({ page: '/', ms: 5 });
  expect(clickSerde.deserialize(clickSerde.serialize({ page: '/' }))).toEqual({ page: '/' });
  expect(() => clickSerde.serialize({} as Click)).toThrow(/required property 'page'/);
});

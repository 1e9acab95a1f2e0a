/** Tables for tests. */
import type { PageField, PageTable, PageType } from '../api/model.ts';

export const scalar = (name: string): PageType => ({ kind: 'scalar', name });

export function field(name: string, type: PageType | string, more: Partial<PageField> = {}): PageField {
  const given = typeof type === 'string' ? scalar(type) : type;
  return { name, type: given, nullable: false, list: false, description: null, ...more };
}

export function table(more: Partial<PageTable> = {}): PageTable {
  return {
    name: 'skus',
    typeName: 'Sku',
    description: null,
    held: 'everywhere',
    shape: { kind: 'key-value' },
    key: { name: 'sku', field: 'sku', type: scalar('String'), isText: true },
    fields: [field('orders', 'Count'), field('cents', 'SafeInt')],
    filterFields: ['sku', 'cents'],
    orderFields: ['sku', 'cents'],
    ...more,
  };
}

export const HOUR_MS = 3_600_000;
export const HOURS: PageTable['shape'] = {
  kind: 'window',
  sizeMs: HOUR_MS,
  advanceMs: HOUR_MS,
  retentionMs: 48 * HOUR_MS,
};

import { graphql } from './generated/index.ts';

/** The rows that are asked for, and every change of them. The field is called `update`, whatever its table is. */
export const PRODUCTS_LIVE = graphql(/* GraphQL */ `
  subscription ProductsLive(
    $filter: ProductFilter
    $orderBy: ProductOrder
    $first: Int
    $intervalMs: Int
    $after: Cursor
  ) {
    update: products(filter: $filter, orderBy: $orderBy, first: $first, intervalMs: $intervalMs, after: $after) {
      kind
      cursor
      rows {
        id
        sku
        name
        cents
        stock
      }
      removed
      more
    }
  }
`);

/** The same rows once. */
export const PRODUCTS_NOW = graphql(/* GraphQL */ `
  query ProductsNow($filter: ProductFilter, $orderBy: ProductOrder, $first: Int) {
    productsPage(first: $first, filter: $filter, orderBy: $orderBy) {
      nodes {
        id
        sku
        name
        cents
        stock
      }
    }
  }
`);

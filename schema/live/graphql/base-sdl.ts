/** Types of every API, whatever its tables are. What an API does not use is left out of what it prints. */
export const BASE_SDL = `
"An instant in UTC as RFC 3339 text, millisecond precision."
scalar DateTime @specifiedBy(url: "https://scalars.graphql.org/andimarek/date-time")

"A day as text, such as 2026-01-31."
scalar Date

"A whole number from 0 to 2^53 - 1, as a JSON number."
scalar Count

"A whole number up to 2^53 - 1 either way, as a JSON number."
scalar SafeInt

"A whole number of any size, as decimal text."
scalar BigInt

"Any JSON value."
scalar JSON

"An opaque token for a state of a table. A subscription that cannot be resumed by it gives a snapshot, never an error."
scalar Cursor

"How an update relates to what the client has."
enum UpdateKind {
  "Everything: replaces what the client has, unless the update before said that there is more."
  SNAPSHOT
  "Only what changed since the previous update, as absolute rows: merge by id."
  DELTA
}

"Which end comes first."
enum OrderDirection {
  "The smallest first."
  ASC
  "The largest first."
  DESC
}

"An object with a global id, to be found again by \`node(id)\`."
interface Node {
  "Opaque, and the same for as long as the object exists."
  id: ID!
}

"Which window or session a row is of."
type Window {
  "When it begins; this instant is in it."
  start: DateTime!
  "When it ends. A window ends before this instant; a session with it, which is the time of its last record."
  end: DateTime!
}

"Where a page stands among the pages of its query."
type PageInfo {
  "Whether rows follow."
  hasNextPage: Boolean!
  "Whether the page began after a row."
  hasPreviousPage: Boolean!
  "The cursor of the first row; null when the page is empty."
  startCursor: String
  "The cursor of the last row, to be given as \`after\` for the next page; null when the page is empty."
  endCursor: String
}

"How fresh and how whole an answer is."
type Freshness {
  "Newest record time that the table has taken in; null before the first record."
  asOf: DateTime
  "True when this instance's copy had caught up with every partition when it answered."
  complete: Boolean!
  "Input records not processed yet, over all partitions; null while no processor reports."
  lag: Count
  "The state of the table that the answer is of, to be given as \`atLeast\` or \`after\`."
  cursor: Cursor
  "Partitions that did not answer; empty when the answer is whole."
  partial: [Int!]!
}

"A table, as this instance has it."
type TableStatus {
  "As it is declared."
  name: String!
  "Rows that it has now; null for a viewer who may not see all of them."
  rows: Count
  "Bytes of their keys and values as they are in the topic; null for a viewer who may not see all rows."
  bytes: Count
  "True when the copy has caught up with every partition."
  complete: Boolean!
  "Records whose key or value did not fit its declaration, and that were left out."
  unreadable: Count!
}
`;

/** What is wrong with a declaration whose two sides, which it names, are of two builders. `both`: what they are. */
export function ofAnotherBuilder(what: string, other: string, both: 'streams' | 'tables' | 'sides'): string {
  return (
    `${what} and ${other}, which is of another StreamsBuilder: its source would not be read. Declare both ${both} ` +
    `with one builder`
  );
}

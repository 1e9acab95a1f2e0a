/** The compacted topic that remembers which dead letters were redriven. */
export function redrivenTopic(deadLetterTopic: string): string {
  return `${deadLetterTopic}-redriven`;
}

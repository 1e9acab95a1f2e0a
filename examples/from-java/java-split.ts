/** Java's `split("\\W+")`: empty words at the end are left out, unless nothing was split. JavaScript keeps them. */
export function javaSplit(text: string): string[] {
  const words = text.split(/\W+/);
  while (words.length > 1 && words.at(-1) === '') words.pop();
  return words.length === 1 && words[0] === '' && text !== '' ? [] : words;
}

/** A code block of a tutorial, with what the comment before it says to do with it; or a comment without a block. */
export interface TutorialStep {
  readonly verb: 'run' | 'said' | 'start' | 'stop' | 'ask' | 'insert' | 'replace' | 'append';
  /** Of what is changed. */
  readonly file: string;
  /** What is stopped, waited for, or looked for in the file. */
  readonly mark: string;
  readonly code: string;
}

const FORMS: readonly (readonly [TutorialStep['verb'], RegExp])[] = [
  ['run', /^run$/],
  ['said', /^said$/],
  ['start', /^start(?:, until: (?<mark>.+))?$/],
  ['stop', /^stop: (?<mark>.+)$/],
  ['ask', /^ask, until: (?<mark>.+)$/],
  ['insert', /^insert in (?<file>\S+), before: (?<mark>.+)$/],
  ['replace', /^replace in (?<file>\S+): (?<mark>.+)$/],
  ['append', /^append to (?<file>\S+)$/],
];

/** The steps of a tutorial in their order. @throws for a block that no comment says what to do with. */
export function tutorialSteps(text: string): TutorialStep[] {
  const found = text.matchAll(/^(?:<!-- (.*) -->\n)?```(\w*)\n([\s\S]*?)^```$|^<!-- (.*) -->$/gm);
  return [...found].map(([whole, said, , code = '', alone]) => {
    const comment = said ?? alone;
    if (comment === undefined) throw new Error(`no comment says what to do with:\n${whole}`);
    for (const [verb, form] of FORMS) {
      const { groups } = form.exec(comment) ?? {};
      // One that stops something has no block.
      if (form.test(comment) && (verb === 'stop') === (said === undefined))
        return { verb, file: groups?.['file'] ?? '', mark: groups?.['mark'] ?? '', code };
    }
    throw new Error(`nobody knows what this says to do: ${comment}`);
  });
}

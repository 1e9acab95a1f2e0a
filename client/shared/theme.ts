import type { Preferences } from './url-state.ts';

/** Light or dark as chosen ('system' leaves it to the style sheet's own media query), and large for a wall. */
export function applyTheme({ theme, wall }: Pick<Preferences, 'theme' | 'wall'>): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
  if (wall) dataset['wall'] = 'true';
  else delete dataset['wall'];
}

/** What a canvas needs to know of the style sheet, which is where colours are kept. */
export interface ChartColours {
  readonly ios: string;
  readonly android: string;
  readonly other: string;
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  readonly ground: string;
}

export function chartColours(): ChartColours {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    ios: read('--ios'),
    android: read('--android'),
    other: read('--other'),
    ink: read('--ink'),
    quiet: read('--ink-quiet'),
    line: read('--hairline'),
    ground: read('--ground'),
  };
}

/** Size of the page's letters against the usual 16 pixels. */
export function rootUnit(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

/** Calls back when the colours may have changed: the system's theme, the page's own choice, or paper. */
export function onThemeChange(changed: () => void): () => void {
  const queries = [
    matchMedia('(prefers-color-scheme: dark)'),
    matchMedia('(forced-colors: active)'),
    matchMedia('(prefers-contrast: more)'),
    matchMedia('print'),
  ];
  for (const media of queries) media.addEventListener('change', changed);
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'data-wall'] });
  return () => {
    for (const media of queries) media.removeEventListener('change', changed);
    observer.disconnect();
  };
}

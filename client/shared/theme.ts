export type Theme = 'system' | 'light' | 'dark';

/** Light or dark as chosen ('system' leaves it to the style sheet's own media query), and large for a wall. */
export function applyTheme({ theme, wall = false }: { readonly theme: Theme; readonly wall?: boolean }): void {
  const { dataset } = document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
  if (wall) dataset['wall'] = 'true';
  else delete dataset['wall'];
}

/** What every canvas needs to know of the style sheet, which is where colours are kept. */
export interface ChartColours {
  readonly quiet: string;
  readonly line: string;
  readonly ground: string;
}

/** A colour of the style sheet by the name of its property, such as `--ink`. */
export function styleColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function chartColours(): ChartColours {
  return { quiet: styleColour('--ink-quiet'), line: styleColour('--hairline'), ground: styleColour('--ground') };
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

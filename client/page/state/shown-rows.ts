import { chosenOrder, isFollowed, rowsLiveQuestion, rowsQuestion } from './questions.ts';
import { defaultOrder, inOrder } from './row-order.ts';
import type { Row } from '../api/answers.ts';
import type { PageTable } from '../api/model.ts';
import type { PageState } from './page-state.ts';
import type { Question } from './questions.ts';
import type { RowOrder } from './row-order.ts';

/** What of a page's state decides which rows are on screen. */
export type ShownState = Pick<PageState, 'preferences' | 'afters'> & {
  readonly shown: Pick<PageState['shown'], 'rows' | 'page'>;
};

export interface ShownRows {
  readonly order: RowOrder;
  /** Whether they change by themselves: those of the first page do. */
  readonly isLive: boolean;
  readonly question: Question;
  /** Null before they came. */
  readonly rows: readonly Row[] | null;
  /** How many there are on all pages; null where the API does not say, or has not yet. */
  readonly total: number | null;
  /** Where the next page begins; null where there is none. */
  readonly next: string | null;
  /** Partitions that did not answer. */
  readonly partial: readonly number[];
}

/** The rows on screen, in order, and where they stand among all. */
export function shownRows({ preferences, afters, shown }: ShownState, table: PageTable): ShownRows {
  const order = chosenOrder(table, preferences) ?? defaultOrder(table);
  const isLive = afters.length === 0 && isFollowed(table, preferences);
  const asked = rowsQuestion(table, preferences, afters.at(-1) ?? null);
  const page = shown.page?.key === asked.key ? shown.page.value : null;
  const question = isLive ? rowsLiveQuestion(table, preferences) : asked;
  const live = shown.rows?.key === question.key ? inOrder(table, shown.rows.rows.values(), order) : null;
  return {
    order,
    isLive,
    question,
    rows: isLive ? live : (page?.nodes ?? null),
    total: page?.totalCount ?? null,
    next: page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null,
    partial: page?.freshness.partial ?? [],
  };
}

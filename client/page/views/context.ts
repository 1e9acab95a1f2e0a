import { pageContext } from '../../shared/views/page-context.ts';
import type { LivePage } from '../live-page.ts';
import type { PageState } from '../state/page-state.ts';

export const { PageContext, usePage, useSelect } = pageContext<LivePage, PageState>();

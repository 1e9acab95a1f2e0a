import { pageContext } from '../../shared/views/page-context.ts';
import type { Dashboard } from '../dashboard.ts';
import type { DashboardState } from '../state/dashboard-state.ts';

export const {
  PageContext: DashboardContext,
  usePage: useDashboard,
  useSelect,
} = pageContext<Dashboard, DashboardState>();

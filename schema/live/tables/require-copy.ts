import { notReady } from '../graphql/api-error.ts';
import type { AnyLiveModel } from './live-model.ts';

/** The model, once there has been a whole copy of its tables; throws NOT_READY before. */
export function requireCopy<Model extends AnyLiveModel>(model: Model): Model {
  if (!model.tableState.caughtUpOnce) throw notReady();
  return model;
}

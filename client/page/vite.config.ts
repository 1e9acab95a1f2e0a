import { defineConfig } from 'vite';
import { pageConfig } from '../vite.shared.ts';

export default defineConfig(pageConfig(import.meta.dirname, '../../schema/live/pages/dist'));

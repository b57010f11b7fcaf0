export { type WholePathOptions, wholePath } from './whole-path.ts';

import importers from './import.cjs';

export const {
    importJsonLines,
    importKixxSqlite,
    importLevel,
    importLoki,
    importLowdb,
    importNedb,
} = importers;

export default importers;

export function buildPack(folder: string): string[];

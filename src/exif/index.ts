/** The orientation that a picture's EXIF data records, and pixels turned by it. */

export { type Orientation, orientationOf } from './orientation.ts';
export { oriented, type Pixels } from './oriented.ts';

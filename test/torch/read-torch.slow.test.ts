// The tests of the quick suite, at full length.
import './read-torch.test.ts';

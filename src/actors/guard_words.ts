/** What it means, for an operator, when a guard of a machine says no. A test keeps the lists complete. */

export const transfer_guard_words = {
  isOfThisAttempt: 'it is about another attempt than the one that runs',
  helpsToRetry: 'trying again cannot help, or was tried too often',
  hasTriesLeft: 'it was tried too often',
  wasOffered: 'the replica was never told of it',
  isOnline: 'the replica is offline',
  isMismatch: 'what the replica holds is not what is wrong',
  wantsFromStart: 'nothing that was received is to be thrown away',
  isLater: 'it is to be done at once',
};

export const replica_guard_words = {
  isThisSession: 'it is about another link than the one that is up',
};

export const reception_guard_words = {
  isNewOffer: 'it is no newer attempt than the one that is known',
  isOfThisAttempt: 'it is about another attempt than this one',
  isNoOlderAttempt: 'it is about an earlier attempt than this one',
  cancelAsked: 'nobody asked to cancel it',
  isUntold: 'the master was told already, or does not wait for it',
  holdAsked: 'nobody asked to keep what was received',
  isLinked: 'the link to the master is down',
  hasNextOffer: 'no newer attempt waits',
};
